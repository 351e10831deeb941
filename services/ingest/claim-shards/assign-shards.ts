/**
 * The shards that a replica should own: every replica that sees the same others gets the same answer. Shards that exist
 * only until they are empty come last, so that the others stay where they are.
 * @returns the shards of one replica
 */
export function assignedTo(replicaId: string, replicas: readonly string[], shards: readonly number[]): number[] {
  const sorted = [...new Set([...replicas, replicaId])].toSorted()
  return [...shards].toSorted((a, b) => a - b).filter((_, i) => sorted[i % sorted.length] === replicaId)
}
