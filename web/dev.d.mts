/**
 * Serves the page's files in front of a gateway: on a port that the system picks unless one is given, those of dist/ unless a
 * folder is given.
 */
export function serve(
  gateway: string,
  port?: number,
  folder?: string,
): Promise<{ readonly address: string; stop(): void }>;
