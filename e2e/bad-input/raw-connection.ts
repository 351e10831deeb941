import { connect } from 'node:net'

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Map<string, string>
  body: string
}

/** A TCP connection that sends what it is given, be it HTTP or not. */
export interface RawConnection extends Disposable {
  write(bytes: string | Buffer): void
  /** The next whole answer; rejects when the connection ends before it came. */
  read(options?: { toHead?: boolean }): Promise<Answer>
  /** What came after the last answer read, once the server has closed the connection. */
  readonly rest: Promise<string>
}

export async function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const ended = Promise.withResolvers<void>()
  let received = Buffer.alloc(0)
  let isEnded = false
  let failure: Error | undefined
  let onChange = () => {}
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    onChange()
  })
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => {
    isEnded = true
    onChange()
    ended.resolve()
  })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))

  async function read({ toHead = false } = {}): Promise<Answer> {
    for (;;) {
      const found = takeAnswer(received, toHead)
      if (found !== undefined) {
        received = received.subarray(found.length)
        return found.answer
      }
      if (isEnded) throw new Error(`the connection ended after "${received.toString('latin1')}"`, { cause: failure })
      await new Promise<void>((resolve) => {
        onChange = resolve
      })
    }
  }
  return {
    write: (bytes) => void socket.write(bytes),
    read,
    rest: ended.promise.then(() => received.toString('latin1')),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

/** Every answer of ours says its length; 1xx answers are passed over. */
function takeAnswer(received: Buffer, toHead: boolean): { answer: Answer; length: number } | undefined {
  const headLength = received.indexOf('\r\n\r\n') + 4
  if (headLength < 4) return undefined
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headLength - 4).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error(`not a status line: "${statusLine}"`)
  if (status < 200) {
    const next = takeAnswer(received.subarray(headLength), toHead)
    return next && { ...next, length: next.length + headLength }
  }
  const headers = new Map(lines.map((line) => splitHeader(line)))
  const hasBody = !toHead && status !== 204 && status !== 304
  const length = headLength + (hasBody ? Number(headers.get('content-length')) : 0)
  if (Number.isNaN(length)) throw new Error(`an answer without a length: "${statusLine}"`)
  if (received.length < length) return undefined
  return { answer: { status, headers, body: received.toString('utf8', headLength, length) }, length }
}

function splitHeader(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

/** One request on a connection of its own. */
export async function send(url: string, request: string | Buffer, options?: { toHead?: boolean }): Promise<Answer> {
  using connection = await openConnection(url)
  connection.write(request)
  return await connection.read(options)
}
