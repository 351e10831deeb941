import { isoTime, SECOND } from '#shared/time/clock.ts'

const SECOND_NS = 1_000_000_000n

/**
 * A time as the broker writes it: RFC 3339 with all nanoseconds, without trailing zeros.
 * @param ns nanoseconds since 1970
 */
export function brokerTime(ns: bigint): string {
  const seconds = isoTime(Number(ns / SECOND_NS) * SECOND).slice(0, 'yyyy-mm-ddThh:mm:ss'.length)
  const fraction = String(ns % SECOND_NS).padStart(9, '0')
  return `${seconds}.${fraction}`.replace(/\.?0+$/, '') + 'Z'
}

/** Milliseconds since 1970. @param ns nanoseconds since 1970, which no number holds exactly */
export const msOf = (ns: string): number => Number(BigInt(ns) / 1_000_000n)
