import { workerData } from 'node:worker_threads'

// A thread of the child: a handler in an endless loop would keep its main thread from noticing that the parent died.

const { parentPid } = workerData as { parentPid: number }
/** Its job runs again elsewhere within a fraction of a second. */
const CHECK_MS = 100

setInterval(() => {
  if (process.ppid !== parentPid) process.kill(process.pid, 'SIGKILL')
}, CHECK_MS)
