/** The id of a worker, the same in whichever replica owns the shard. */
export const workerId = (shard: number, place: number): string => `${shard}-${place}`

/** The workers of a pool. */
export const workersOf = (shard: number, pool: number): string[] =>
  Array.from({ length: pool }, (_, place) => workerId(shard, place))
