import type { Registry } from 'prom-client'
import { messageOf } from '#shared/errors/foreign.ts'
import type { Clock } from '#shared/time/clock.ts'

/** A check that resolves when all is well and throws an error that says what is wrong. */
export type ReadinessCheck = () => Promise<void>

export interface HealthOptions {
  service: string
  version: string
  clock: Clock
  registry: Registry
}

export interface OpsAnswer {
  status: number
  contentType: string
  headers?: Record<string, string>
  body: string
}

const CHECK_TIMEOUT_MS = 2_000

/** /heartbeat, /livez, /readyz and /metrics: the same answers in every service, whatever serves HTTP there. */
export class Health {
  readonly #options: HealthOptions
  readonly #startedAt: number
  readonly #checks = new Map<string, ReadinessCheck>()
  readonly #details = new Map<string, () => string>()
  readonly #routes = new Map<string, () => Promise<OpsAnswer>>([
    ['/heartbeat', async () => this.#heartbeat()],
    ['/livez', async () => json(200, { status: 'ok' })],
    ['/readyz', () => this.#readiness()],
    ['/metrics', () => this.#metrics()],
  ])
  #draining = false

  constructor(options: HealthOptions) {
    this.#options = options
    this.#startedAt = options.clock.monotonic()
  }

  addCheck(name: string, check: ReadinessCheck): void {
    this.#checks.set(name, check)
  }

  /** Adds a line beside the checks, which makes nothing unready. @param tell `ok`, or what is wrong */
  addDetail(name: string, tell: () => string): void {
    this.#details.set(name, tell)
  }

  /** Makes the service unready: traffic should go elsewhere. */
  drain(): void {
    this.#draining = true
  }

  /** @returns null, at once, for a path that is not an operator's route */
  answer(path: string): Promise<OpsAnswer> | null {
    return this.#routes.get(path)?.() ?? null
  }

  #heartbeat(): OpsAnswer {
    const { service, version, clock } = this.#options
    const uptimeS = Math.round((clock.monotonic() - this.#startedAt) / 1000)
    return json(200, { status: 'ok', service, version, uptime_s: uptimeS })
  }

  async #metrics(): Promise<OpsAnswer> {
    const { registry } = this.#options
    return { status: 200, contentType: registry.contentType, body: await registry.metrics() }
  }

  async #readiness(): Promise<OpsAnswer> {
    const results = await Promise.all([...this.#checks].map(async ([name, check]) => [name, await run(check)] as const))
    const checks: Record<string, string> = Object.fromEntries(results)
    if (this.#draining) checks['draining'] = 'shutting down'
    const ready = Object.values(checks).every((result) => result === 'ok')
    const details = Object.fromEntries([...this.#details].map(([name, tell]) => [name, tell()]))
    // Degraded: it serves, and traffic should not go elsewhere, but somebody should look.
    const isWell = Object.values(details).every((detail) => detail === 'ok')
    const status = isWell ? 'ok' : 'degraded'
    return json(ready ? 200 : 503, { status: ready ? status : 'not ready', checks, details })
  }
}

async function run(check: ReadinessCheck): Promise<string> {
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  const late = new Promise<string>((resolve) => {
    timeout.addEventListener('abort', () => resolve(`no answer in ${CHECK_TIMEOUT_MS} ms`), { once: true })
  })
  const checked = check().then(
    () => 'ok',
    (error: unknown) => messageOf(error),
  )
  return Promise.race([checked, late])
}

const json = (status: number, body: unknown): OpsAnswer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
})
