import type { Handler } from 'hasty/handler'

export const handler = {
  type: 'hello',
  run({ name }) {
    return `Hello, ${name}!`
  },
} satisfies Handler<{ name: string }>
