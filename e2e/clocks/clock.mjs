// Moves the wall clock of the process that imports it by the milliseconds that CLOCK_FILE holds; the monotonic one stays.
import { readFileSync } from 'node:fs'

const Real = Date
const shiftMs = () => Number(readFileSync(process.env.CLOCK_FILE, 'utf8')) || 0

globalThis.Date = class extends Real {
  constructor(...given) {
    super(...(given.length === 0 ? [Real.now() + shiftMs()] : given))
  }

  static now() {
    return Real.now() + shiftMs()
  }
}
