import { runCommand } from './run-command.ts'

export interface Wanted {
  /** The name that messages use. */
  program: string
  /** Debian's package that has it. */
  package: string
  find: () => string | undefined
  /** The sentence that tells a person what to do where the program is missing. */
  how: string
}

/** A program's path; installs Debian's package when there is none and this process may. @throws why there is none */
export async function findOrInstall({ program, package: name, find, how }: Wanted): Promise<string> {
  const found = find()
  if (found !== undefined) return found
  if (process.getuid?.() !== 0) throw new Error(`${program} is not installed, and only root could install it. ${how}`)
  // Waits for another apt-get; never starts a service of the system's own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const install = ['-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', 'install', name]
  const apt = (args: string[]) => runCommand('apt-get', args, { env })
  try {
    await apt(install).catch(async () => {
      await apt(['-q', 'update'])
      await apt(install)
    })
  } catch (error) {
    throw new Error(`${program} is not installed, and apt-get could not install it. ${how}`, { cause: error })
  }
  const installed = find()
  if (installed === undefined) throw new Error(`apt-get installed no ${program} that can be found. ${how}`)
  return installed
}
