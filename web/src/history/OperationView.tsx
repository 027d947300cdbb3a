// One operation from the log.

export function OperationView({ id }: { readonly id: string }) {
  return <section id="operation" class="card" data-operation={id} />;
}
