/** Limits beyond which new jobs are refused; outcomes never are. */
export const LOG_DEFAULTS = {
  /** Jobs in the log: about 1.4 KB of the broker's memory each. */
  maxJobs: 1_000_000,
  /** 80 % of a broker's `max_file` of 10 GiB. */
  maxBytes: 8 * 1024 ** 3,
} as const

/** created, started and an outcome: the subjects that a finished job leaves in the log. */
export const SUBJECTS_PER_JOB = 3

/** Longest timeout a job may ask for: one day, in milliseconds. */
export const TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000
/** Furthest a job may be delayed: one year, in milliseconds. */
export const DELAY_MAX_MS = 366 * 24 * 60 * 60 * 1000
export const ATTEMPTS_MAX = 100
/** Number of dead workers (or children) after which a job is not tried again, unless its type says another. */
export const CRASH_LIMIT = 3
/** Most jobs that one job may make: their names and ids are a part of the events that continue it. */
export const CHILDREN_MAX = 1_000
export const CHILD_NAME_MAX_LENGTH = 100
