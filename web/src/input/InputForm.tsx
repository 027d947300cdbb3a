// The form: the list, and what to compute over it.

export function InputForm() {
  return <form id="form" class="card" />;
}
