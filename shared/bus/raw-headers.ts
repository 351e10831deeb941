import type { MsgHdrs } from '@nats-io/transport-node'

/**
 * Headers on their way out, ready as bytes. The client's own header object parses, checks and joins each value again:
 * a tenth of what a publish costs.
 * @throws on a value that would break out of its line
 */
export function rawHeaders(headers: Record<string, string>): MsgHdrs {
  let text = 'NATS/1.0\r\n'
  for (const name in headers) {
    const value = headers[name] ?? ''
    if (value.includes('\n') || value.includes('\r')) throw new Error(`the header ${name} holds a line break`)
    text += `${name}: ${value}\r\n`
  }
  const bytes = Buffer.from(`${text}\r\n`)
  // All that the client asks of headers on their way out is this one method.
  return { encode: () => bytes } as unknown as MsgHdrs
}
