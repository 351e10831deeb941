/** Does nothing, so that only Hasty is measured. */
export const handler = {
  type: 'noop',
  run: () => null,
}
