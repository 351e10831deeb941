/** Does nothing, so that what is measured is Hasty. */
export const handler = {
  type: 'noop',
  run: () => null,
}
