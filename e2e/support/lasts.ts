import { setTimeout as delay } from 'node:timers/promises'

/** How long a fault lasts is part of the fault itself: the one wait of a test that waits for no fact. */
export async function lasts(ms: number, _fault: string): Promise<void> {
  await delay(ms)
}
