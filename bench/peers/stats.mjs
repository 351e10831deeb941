// The numbers that a worker tells the harness: how many handlers started, when the first and the target-th did, and the pick-up
// latency of jobs that carry the time `t` at which their POST was sent.
import http from 'node:http'
import { nowUs } from './clock.mjs'

const MAX_LATENCIES = 50_000
const state = { count: 0, first: 0, last: 0, target: Number(process.env.TARGET ?? 0), at: 0 }
let latencies = []

/** Records the start of a handler. */
export function hit(t) {
  const now = nowUs()
  if (state.count++ === 0) state.first = now
  state.last = now
  if (state.count === state.target) state.at = now
  if (t > 0 && latencies.length < MAX_LATENCIES) latencies.push(now - t)
}

function reset(target) {
  Object.assign(state, { count: 0, first: 0, last: 0, at: 0, target })
  latencies = []
  return { ok: true }
}

async function answerTo(url, depth) {
  switch (url.pathname) {
    case '/reset':
      return reset(Number(url.searchParams.get('target') ?? 0))
    case '/depth':
      return depth().then(
        (waiting) => ({ depth: waiting }),
        (error) => ({ depth: -1, error: String(error) }),
      )
    case '/latencies':
      return { latencies }
    default:
      return state
  }
}

/** Serves the numbers on STATS_PORT. @param depth how many jobs wait or run, as the store says it */
export function serve(depth) {
  const server = http.createServer(async (request, response) => {
    const body = await answerTo(new URL(request.url, 'http://stats'), depth)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  })
  return new Promise((resolve) => server.listen(Number(process.env.STATS_PORT), '127.0.0.1', resolve))
}
