// The mark of the page: that of favicon.svg, in the colours of the theme. index.html holds it too, for the first paint.

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="7" />
      <path class="mark-bars" d={`${bar(7, 17)}${bar(14, 7)}${bar(21, 12)}`} />
    </svg>
  );
}

function bar(x: number, top: number): string {
  return `M${x} ${top + 1}a1 1 0 0 1 1-1h2a1 1 0 0 1 1 1v${24 - top}h-4z`;
}
