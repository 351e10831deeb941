import type { FunctionComponent } from 'preact'

/** A screen; `parts` are the pieces of the address that its pattern leaves open. */
export type Screen = FunctionComponent<{ parts: string[] }>

/**
 * Screens by the pattern of their address. Their modules are loaded when they are first shown, so that opening the
 * dashboard costs the shell and one screen.
 */
const SCREENS: [pattern: RegExp, load: () => Promise<Screen>][] = [
  [/^$/, async () => (await import('./screens/overview.ts')).Overview],
  [/^\/types$/, async () => (await import('./screens/types.ts')).Types],
  [/^\/types\/([^/]+)$/, async () => (await import('./screens/type.ts')).Type],
  [/^\/workers$/, async () => (await import('./screens/workers.ts')).Workers],
  [/^\/workers\/([^/]+)$/, async () => (await import('./screens/worker.ts')).Worker],
  [/^\/failed$/, async () => (await import('./screens/failed.ts')).Failed],
  [/^\/schedules\/calendar$/, async () => (await import('./screens/calendar.ts')).Calendar],
  [/^\/schedules$/, async () => (await import('./screens/schedules.ts')).Schedules],
  [/^\/schedules\/([^/]+)$/, async () => (await import('./screens/schedule.ts')).Schedule],
  [/^\/requests$/, async () => (await import('./screens/requests.ts')).Requests],
  [/^\/requests\/([^/]+)$/, async () => (await import('./screens/request.ts')).Request],
  [/^\/definitions$/, async () => (await import('./screens/definitions.ts')).Definitions],
  [/^\/definitions\/([^/]+)$/, async () => (await import('./screens/definition.ts')).Definition],
  [/^\/tenants$/, async () => (await import('./screens/tenants.ts')).Tenants],
  [/^\/settings$/, async () => (await import('./screens/settings.ts')).Settings],
  [/^\/messages$/, async () => (await import('./screens/messages.ts')).Messages],
  [/^\/send$/, async () => (await import('./screens/send.ts')).Send],
  [/^\/jobs$/, async () => (await import('./screens/jobs.ts')).Jobs],
  [/^\/jobs\/([^/]+)$/, async () => (await import('./screens/job.ts')).Job],
]

const loaded = new Map<RegExp, Screen>()

export interface FoundScreen {
  pattern: RegExp
  parts: string[]
  /** null: its module is not loaded yet. */
  screen: Screen | null
}

/** The screen of an address; null: there is none. */
export function findScreen(path: string): FoundScreen | null {
  for (const [pattern] of SCREENS) {
    const match = pattern.exec(path)
    if (match !== null)
      return { pattern, parts: match.slice(1).map(decodeURIComponent), screen: loaded.get(pattern) ?? null }
  }
  return null
}

export async function loadScreen(pattern: RegExp): Promise<void> {
  const load = SCREENS.find(([own]) => own === pattern)?.[1]
  if (load !== undefined) loaded.set(pattern, await load())
}

/** Begins to load the screen of an address. A failure shows when the screen is. */
export function preloadScreen(path: string): void {
  const found = findScreen(path)
  if (found !== null) loadScreen(found.pattern).catch(() => undefined)
}
