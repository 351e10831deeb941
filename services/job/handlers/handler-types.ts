// The module `hasty/handler`: types for the authors of handlers. This file imports nothing, because the package gets its
// declarations as they are.

/**
 * A job type: the const `handler` of a file in HANDLERS_DIR, as in `export const handler = {...} satisfies
 * Handler<typeof payload>`. `P` is the type of a zod schema, or, beside a JSON Schema, that of the payload itself.
 */
export interface Handler<P = unknown> extends Declaration<P> {
  batch?: never
  /** Does the work. What it returns is the job's result; what it throws is retried, as the policy says. */
  run(payload: PayloadOf<P>, context: Context): unknown
}

/** A job type whose jobs run together, up to `batch.size` in one call. */
export interface BatchHandler<P = unknown> extends Declaration<P> {
  batch: BatchPolicy
  /** Returns nothing where all jobs are done, or an outcome for each, in their order. What it throws concerns them all. */
  run(items: BatchItem<PayloadOf<P>>[], context: BatchContext): BatchOutcome | Promise<BatchOutcome>
}

interface Declaration<P> {
  /** A lower-case letter, then up to 63 of a-z, 0-9, _ and -. */
  type: string
  policy?: HandlerPolicy
  /** zod or JSON Schema; without it the type takes any JSON value. */
  schema?: P extends ZodSchema ? P : object | null
}

/** The payload as the handler gets it: with the defaults of the schema filled in. */
export type PayloadOf<P> = P extends { readonly _zod: { readonly output: infer Output } } ? Output : P

/** The part of a schema of zod 4 that tells its type. */
interface ZodSchema {
  readonly _zod: { readonly output: unknown }
}

/** How jobs of the type are run; whatever is left out has a default. Durations are milliseconds. */
export interface HandlerPolicy {
  /** The longest time that an attempt may take; by default JOB_TIMEOUT_MS. */
  timeout_ms?: number
  /** The longest timeout that a job may ask for; by default a day. */
  timeout_max_ms?: number
  /** Attempts in all, the first one included; by default 3. */
  max_attempts?: number
  /** The most attempts that a job may ask for; by default 100. */
  max_attempts_limit?: number
  /** The pause before the next attempt; by default 1 s, 2 s, 4 s and so on up to a minute, shortened at random. */
  backoff?: {
    kind: 'fixed' | 'exponential'
    base_ms: number
    max_ms: number
    /** The share of the pause that chance may take away, 0 to 1. */
    jitter: number
  }
  /** How many jobs of the type run at once over all workers; by default null, which is no limit. */
  concurrency?: number | null
  /**
   * What an attempt does that takes too long; by default `retry`, as after any other error. `fail` ends the job as failed,
   * `cancel` as cancelled.
   */
  on_timeout?: 'retry' | 'fail' | 'cancel'
  /** Whether the same object_id is refused for COOLDOWN_MS; left out, it is refused only for jobs posted to `/`. */
  cooldown?: boolean
  /** How many workers may die while they run a job before it fails; by default 3. With 0 the first death fails it. */
  max_crashes?: number
}

export interface BatchPolicy {
  /** Largest number of jobs in a call, at most 1,000. */
  size: number
  /** How long the first job waits for others, at most 60,000 milliseconds. It is part of the job's timeout. */
  max_wait_ms: number
  /** JSON pointer into the payload, such as `/customer`: only jobs with the same value there run together. */
  key?: string
}

/** Everything that a handler may use besides its payload. */
export interface Context {
  readonly jobId: string
  readonly objectId: string
  /** When the job was accepted: RFC 3339. */
  readonly createdAt: string
  /** 1 for the first try. */
  readonly attempt: number
  /** Rises with every start of this job: pass it to systems that you write to, and let them refuse a lower one. */
  readonly fencingToken: number
  /**
   * W3C trace context under which the attempt runs, to be passed on to whatever it calls; null where the job came with
   * none and no traces are recorded.
   */
  readonly traceparent: string | null
  /** Aborted at the timeout, when the job is cancelled, and when a drain hands it back. */
  readonly signal: AbortSignal
  /** Its lines carry the job's id and the attempt. */
  readonly log: HandlerLog
  /** Reports the job's progress; at most one report a second is stored, and the latest wins. */
  readonly progress: (percent: number, message?: string, data?: unknown) => void
  /** Ends the job as failed, without another attempt, by throwing. */
  readonly fail: (message: string) => never
  /**
   * Requests another attempt after this many milliseconds instead of the type's backoff, by throwing. It counts as an
   * attempt like any other.
   */
  readonly retryLater: (delayMs: number, message?: string) => never
  /**
   * Makes a further job, once for each name, however often this job is retried, and whatever dies: a repeat returns the
   * same job. Resolves when the job is stored.
   */
  readonly create: (name: string, type: string, payload?: unknown, options?: CreateOptions) => Promise<CreatedJob>
}

export interface HandlerLog {
  debug: LogLine
  info: LogLine
  warn: LogLine
  error: LogLine
}

/** `log.info('sent')`, or with members of the line first: `log.info({ recipient }, 'sent')`. */
export interface LogLine {
  (message: string): void
  (members: object, message?: string): void
}

/** Options of a job that a handler makes; what is left out is as for any job of that type. */
export interface CreateOptions {
  /** What the job is about; by default `child:`, the parent's id, a colon and the name. */
  objectId?: string
  /** Words to find the job by, at most 16. */
  tags?: string[]
  priority?: 'high' | 'normal' | 'low'
  /** Milliseconds from now until it may start. */
  delayMs?: number
  /** When it may start: a Date, or RFC 3339. */
  runAt?: Date | string
  timeoutMs?: number
  attempts?: number
  backoff?: { kind?: 'fixed' | 'exponential'; baseMs?: number; maxMs?: number; jitter?: number }
  /** Address that gets a signed webhook when the job ends. */
  callbackUrl?: string
}

/** A job that a handler made. */
export interface CreatedJob {
  readonly jobId: string
}

/** One job of a batch. */
export interface BatchItem<Payload = unknown> extends Omit<Context, 'log' | 'fail' | 'retryLater'> {
  readonly payload: Payload
}

export interface BatchContext {
  /** Aborted when every job of the batch was: by its timeout, a cancel, or a drain. */
  readonly signal: AbortSignal
  readonly log: HandlerLog
}

/** The outcome of one job of a batch. */
export type ItemOutcome =
  | 'done'
  | { result: unknown }
  /** Another attempt, of those that the policy allows; after `delay_ms`, or the type's backoff. */
  | { retry: string; delay_ms?: number }
  /** Failed permanently. */
  | { failed: string }

// oxlint-disable-next-line typescript/no-invalid-void-type -- a function that returns nothing is what is meant
export type BatchOutcome = readonly ItemOutcome[] | void
