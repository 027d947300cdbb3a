// What the id of an operation tells.

/**
 * When an id was made, or undefined if it is not the id of an operation: that is a UUIDv7, whose first 48 bits are
 * milliseconds since 1970 (RFC 9562, section 5.7).
 */
export function createTimeOf(id: string): Date | undefined {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(id) ?? [];
  return high === undefined || low === undefined ? undefined : new Date(Number.parseInt(high + low, 16));
}
