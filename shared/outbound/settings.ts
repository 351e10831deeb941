import { optionalText } from '#shared/process/config.ts'

const SERVICE_NAME = /^[a-z][a-z0-9_-]{0,63}$/

const entriesOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

/** `host:port,...`: targets that users may name although they are private, or have an unusual port. */
export const trustedHostsSetting = () =>
  optionalText()
    .transform((text, context): ReadonlySet<string> => {
      const hosts = new Set<string>()
      for (const entry of entriesOf(text)) {
        const port = Number(/:(\d{1,5})$/.exec(entry)?.[1] ?? 0)
        const url = /[/@?#*\\\s]/.test(entry) ? null : URL.parse(`http://${entry}`)
        if (url === null || port < 1) context.addIssue({ code: 'custom', message: `"${entry}" is not host:port` })
        else hosts.add(`${url.hostname}:${port}`)
      }
      return hosts
    })
    .meta({ values: '`host:port`, several with commas' })
    .describe(
      'Targets that users may name in URLs even if they are private or use another port. Set the same for both.',
    )

/** `name=http://host:port/base,...`: the operator's services, called by their names. */
const servicesSetting = () =>
  optionalText().transform((text, context): ReadonlyMap<string, URL> => {
    const services = new Map<string, URL>()
    for (const entry of entriesOf(text)) {
      const equals = entry.indexOf('=')
      const name = entry.slice(0, Math.max(equals, 0))
      const url = URL.parse(entry.slice(equals + 1))
      const problem = problemOf(name, url) ?? (services.has(name) ? 'this name appears twice' : null)
      if (problem !== null) context.addIssue({ code: 'custom', message: `"${entry}": ${problem}` })
      else if (url !== null) services.set(name, url)
    }
    return services
  })

/** The URL of one of three services that have a setting of their own each. */
const serviceUrlSetting = () =>
  optionalText().transform((text, context): URL | undefined => {
    if (text === undefined) return undefined
    const url = URL.parse(text)
    const problem = problemOf('service', url)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
    return url ?? undefined
  })

/** Addresses of the services that jobs call by name. */
export const serviceSettings = {
  SERVICES: servicesSetting()
    .meta({ values: '`name=http://host:port/base`, several with commas' })
    .describe('Services that `http` jobs and requests call by name. Set the same for both.'),
  URL_SERVICE1: serviceUrlSetting().describe('The URL of the name `service1`; SERVICES takes precedence.'),
  URL_SERVICE2: serviceUrlSetting().describe('The URL of the name `service2`; SERVICES takes precedence.'),
  URL_SERVICE3: serviceUrlSetting().describe('The URL of the name `service3`; SERVICES takes precedence.'),
}

export interface ServiceSettings {
  SERVICES: ReadonlyMap<string, URL>
  URL_SERVICE1?: URL | undefined
  URL_SERVICE2?: URL | undefined
  URL_SERVICE3?: URL | undefined
}

/** The services by name. URL_SERVICE1 is called `service1`; SERVICES takes precedence for the same name. */
export function servicesOf(settings: ServiceSettings): ReadonlyMap<string, URL> {
  const { URL_SERVICE1: service1, URL_SERVICE2: service2, URL_SERVICE3: service3, SERVICES } = settings
  const named = Object.entries({ service1, service2, service3 })
  return new Map([...named.filter((entry): entry is [string, URL] => entry[1] !== undefined), ...SERVICES])
}

function problemOf(name: string, url: URL | null): string | null {
  if (!SERVICE_NAME.test(name)) return 'must begin with a name of a-z, 0-9, _ and -, then ='
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must have an http or https URL'
  if (url.username !== '' || url.password !== '') return 'the URL must not have a user name or password'
  if (url.search !== '' || url.hash !== '') return 'the URL must not have a query or fragment'
  return null
}
