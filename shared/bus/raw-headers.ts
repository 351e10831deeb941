import type { MsgHdrs } from '@nats-io/transport-node'

/**
 * Outgoing headers, ready as bytes. The client's own header object parses, checks and joins each value again: a tenth
 * of the cost of a publish.
 * @throws on a value with a line break
 */
export function rawHeaders(headers: Record<string, string>): MsgHdrs {
  let text = 'NATS/1.0\r\n'
  for (const name in headers) {
    const value = headers[name] ?? ''
    if (value.includes('\n') || value.includes('\r')) throw new Error(`the header ${name} holds a line break`)
    text += `${name}: ${value}\r\n`
  }
  const bytes = Buffer.from(`${text}\r\n`)
  // The client calls only this one method on outgoing headers.
  return { encode: () => bytes } as unknown as MsgHdrs
}
