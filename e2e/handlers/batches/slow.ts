import { setTimeout as pause } from 'node:timers/promises'

export const run = (): Promise<void> => pause(100)
