import type { Logger } from '#shared/process/logger.ts'
import { freePort, portError } from '../servers/free-port.ts'
import type { PortSetting, Settings } from './settings.ts'

/** Address of the services behind the api, which check no tokens or trust their caller: only this machine reaches them. */
export const BEHIND_API = '127.0.0.1'

/** Where a replica of a service listens. It keeps its port over restarts, unless another program has taken it. */
export type Place = {
  readonly setting: PortSetting
  port: number
  /** The user has set it. */
  readonly isSet: boolean
}

/**
 * The places of the replicas of a service behind the api. Of the default ports, one that is taken gives way to any free
 * one: another Hasty may run here.
 * @throws Error that names the setting, where a port that the user has set is taken
 */
export async function choosePlaces(
  settings: Settings,
  setting: PortSetting,
  count: number,
  log: Logger,
): Promise<Place[]> {
  const first = settings[setting]
  const isSet = settings.isPortSet(setting)
  const places: Place[] = []
  for (let n = 0; n < count; n++) {
    const wanted = first + n
    const isFree = first > 0 && (await portError(wanted, BEHIND_API)) === undefined
    if (!isFree && isSet) throw new Error(whyTaken(setting, wanted))
    const port = isFree ? wanted : await freePort()
    if (first > 0 && !isFree) log.warn({ setting, wanted, port }, 'a port is taken, using another')
    places.push({ setting, port, isSet })
  }
  return places
}

export const whyTaken = (setting: PortSetting, port: number): string =>
  `${setting}: port ${port} is taken by another program. Stop that one, or choose another port: ${setting}=${port + 1} npm start`

/**
 * Moves a place to another port: between its choice and the moment when a service listened, or while the service was
 * down, another program took it. A port that the user has set stays, and is tried again.
 * @param tried on which the service could not listen
 * @returns whether there is another port
 */
export async function movePlace(place: Place, tried: number, log: Logger): Promise<boolean> {
  const { setting, isSet } = place
  if (isSet) {
    log.error({ setting, port: tried }, whyTaken(setting, tried))
    return false
  }
  // Several apis share one place: the first has moved it for all.
  if (place.port === tried) place.port = await freePort()
  log.warn({ setting, taken: tried, port: place.port }, 'a port was taken by another program, using another')
  return true
}
