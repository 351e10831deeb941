import type { Context } from 'hasty/handler'

// A port, a lock or a device that each process takes when it loads its handlers: the worker has it, and its children fail.
if (process.argv[1]?.endsWith('child.ts')) throw new Error('listen EADDRINUSE: address already in use :::9090')

export interface ChildlessPayload {
  /** So many attempts end their process. */
  deaths: number
}

export const handler = {
  type: 'childless',
  policy: { cooldown: false },
  run({ deaths }: ChildlessPayload, { attempt }: Context) {
    if (attempt <= deaths) process.exit(1)
    return attempt
  },
}
