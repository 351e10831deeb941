import { findOrInstall } from './find-or-install.ts'
import { findOnPath } from './run-command.ts'

/** The path of a Chromium; installs Debian's package when there is none and this process may. */
export const findChromium = (): Promise<string> =>
  findOrInstall({
    program: 'chromium',
    package: 'chromium',
    find: () => findOnPath('chromium') ?? findOnPath('google-chrome') ?? findOnPath('chromium-browser'),
    how: 'Install chromium and put it on PATH.',
  })
