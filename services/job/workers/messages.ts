import type { AttemptStore } from '#shared/stores/attempts/attempt-store.ts'
import type { AttemptStoreConfig } from '../open-store.ts'

// Messages between the main thread and the one that has the store. Plain data: it crosses threads.

export interface StoreThreadOptions extends AttemptStoreConfig {
  /** How long attempts and silent workers are kept, milliseconds. */
  retentionMs: number
}

/** Methods that the main thread calls; the store's other two are used by its own thread alone. */
export type Method = Exclude<keyof AttemptStore, 'close' | 'deleteBefore'>

export type StoreCall = { [M in Method]: { id: number; method: M; args: Parameters<AttemptStore[M]> } }[Method]

export type ThreadMessage =
  | { kind: 'open' }
  | { kind: 'away'; why: string }
  | { kind: 'undeleted'; why: string }
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'failed'; id: number; why: string }
