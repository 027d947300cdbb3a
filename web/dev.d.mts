/** Serves dist/ in front of a gateway, on a port that the system picks unless one is given. */
export function serve(gateway: string, port?: number): Promise<{ readonly address: string; stop(): void }>;
