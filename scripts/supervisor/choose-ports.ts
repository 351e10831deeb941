import type { Logger } from '#shared/process/logger.ts'
import { freePort, portError } from '../servers/free-port.ts'

/** Address of the services behind the api, which check no tokens or trust their caller: only this machine reaches them. */
export const BEHIND_API = '127.0.0.1'

/**
 * Ports for the replicas of a service behind the api, which keep them over restarts. One that is taken gives way to any
 * free one: another Hasty may run here.
 * @param first of the first replica, and the next ones follow; 0: any free ones
 */
export async function choosePorts(service: string, first: number, count: number, log: Logger): Promise<number[]> {
  const ports: number[] = []
  for (let n = 0; n < count; n++) {
    const wanted = first + n
    const isFree = first > 0 && (await portError(wanted, BEHIND_API)) === undefined
    const port = isFree ? wanted : await freePort()
    if (first > 0 && !isFree) log.warn({ service, wanted, port }, 'a port for metrics is taken, using another')
    ports.push(port)
  }
  return ports
}
