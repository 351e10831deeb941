import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface LenderPayload {
  throws?: boolean
}

const waiting: ((echo: string) => void)[] = []
let opening: Promise<Socket> | undefined

/** The connection of all jobs of this process, opened by the first: what happens on it is that one's to Node. */
const connection = (): Promise<Socket> => (opening ??= open())

async function open(): Promise<Socket> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  socket.on('data', (data) => waiting.shift()?.(data.toString()))
  return socket
}

export const handler = {
  type: 'lender',
  policy: { cooldown: false },
  async run({ throws }: LenderPayload) {
    const socket = await connection()
    return new Promise((resolve) => {
      waiting.push((echo) => {
        if (throws) throw new Error('thrown in a callback of a connection')
        resolve(echo)
      })
      socket.write('hello')
    })
  },
}
