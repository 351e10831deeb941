import { workerData } from 'node:worker_threads'

// A thread of the child: a handler in an endless loop would keep its main thread from noticing that the parent died.

const { parentPid } = workerData as { parentPid: number }
const CHECK_MS = 1_000

setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL')
}, CHECK_MS)
