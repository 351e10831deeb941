import { messageOf } from '#shared/errors/foreign.ts'
import { type Complaint, ConfigError } from './config.ts'

/**
 * Exit codes: 0 stopped on request, 1 failed, 2 invalid settings, or handlers that cannot be loaded, 3 somebody else
 * listens on the port.
 */
export const EXIT = { ok: 0, failed: 1, badSettings: 2, portTaken: 3 } as const

const HEADLINES: Record<Complaint['about'], string> = {
  settings: 'These settings cannot be used:',
  handlers: 'These handlers cannot be loaded:',
}
const SUBJECTS = Object.keys(HEADLINES) as Complaint['about'][]

/**
 * Says on stderr why a command that runs once ends, without a stack of its own.
 * @returns the exit code
 */
export function explainEnd(error: unknown, what: string): number {
  if (error instanceof ConfigError) return complain(error.complaints)
  process.stderr.write(`${what}${messageOf(error)}\n`)
  return EXIT.failed
}

/** Writes complaints to stderr, under a headline for each kind. @returns the exit code */
export function complain(complaints: readonly Complaint[]): number {
  for (const subject of SUBJECTS) {
    const texts = complaints.filter(({ about }) => about === subject).map(({ text }) => text.replaceAll(/^/gm, '  '))
    if (texts.length > 0) process.stderr.write(`${HEADLINES[subject]}\n${texts.join('\n')}\n`)
  }
  return complaints.length === 0 ? EXIT.ok : EXIT.badSettings
}

/** The complaints that a child process wrote to stderr when it ended with EXIT.badSettings. */
export function complaintsIn(stderr: string): Complaint[] {
  const complaints: Complaint[] = []
  let about: Complaint['about'] | undefined
  for (const line of stderr.split('\n')) {
    const headed = SUBJECTS.find((subject) => HEADLINES[subject] === line)
    const last = complaints.at(-1)
    if (headed !== undefined) about = headed
    else if (about === undefined) continue
    else if (/^ {2}\S/.test(line)) complaints.push({ about, text: line.slice(2) })
    else if (line.startsWith('  ') && last !== undefined) last.text += `\n${line.slice(2)}`
    // Something else was printed.
    else about = undefined
  }
  return complaints
}
