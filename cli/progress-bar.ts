const WIDTH = 30

/** `[##########--------------------]  33 %  resizing`, no wider than the terminal. */
export function progressBar(percent: number, message: string, columns: number): string {
  const share = Math.min(Math.max(percent, 0), 100) / 100
  const filled = Math.round(share * WIDTH)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${String(Math.round(share * 100)).padStart(3)} %`
  return `${bar}  ${message}`.slice(0, columns - 1)
}
