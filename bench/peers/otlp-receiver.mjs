// Takes the spans of the traced peer and throws them away: what is measured is what it costs to send them.
import { createServer } from 'node:http'

createServer((request, response) => {
  request.resume().on('end', () => response.end('{}'))
}).listen(Number(process.env.OTLP_PORT), '127.0.0.1', () => console.log('ready'))
