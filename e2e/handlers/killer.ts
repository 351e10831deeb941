/** Takes its whole process with it. */
export const handler = {
  type: 'killer',
  run() {
    process.exit(13)
  },
}
