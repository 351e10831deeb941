/** Fails for good. */
export const handler = {
  type: 'doomed',
  policy: { max_attempts: 1 },
  run() {
    throw new Error('as ever')
  },
}
