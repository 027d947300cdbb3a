// The operations in the log, newest first.

export function History() {
  return <section id="history" class="card" />;
}
