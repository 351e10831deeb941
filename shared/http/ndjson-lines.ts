const NEWLINE = 0x0a

/**
 * The non-empty lines of newline-delimited JSON, unparsed.
 * @param linesMax reading stops one line after this number
 */
export function ndjsonLines(raw: Buffer, linesMax: number): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < raw.length; ) {
    const found = raw.indexOf(NEWLINE, start)
    const end = found === -1 ? raw.length : found
    const line = raw.subarray(start, end)
    // Empty lines are skipped, as the format allows.
    if (line.some((byte) => byte > 0x20)) lines.push(line)
    if (lines.length > linesMax) break
    start = end + 1
  }
  return lines
}
