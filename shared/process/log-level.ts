import type { Logger } from './logger.ts'

/** USR1 belongs to the debugger of Node. */
const SIGNAL = 'SIGUSR2'

/**
 * Lets SIGUSR2 switch a log to `debug`, and the next one back to the level that it was made with; one that was made with
 * `debug` or `trace` goes to `info`. Child loggers keep the level of their making.
 */
export function switchLevelOnSignal(log: Logger): void {
  const first = log.level
  const other = log.isLevelEnabled('debug') ? 'info' : 'debug'
  process.on(SIGNAL, () => {
    const [was, is] = log.level === first ? [first, other] : [other, first]
    const tell = () => log.info({ level_was: was, level_is: is }, 'log level changed')
    // Under the more talkative of the two, or nobody would read it.
    const isQuieter = log.levels.values[is]! > log.levels.values[was]!
    if (isQuieter) tell()
    log.level = is
    if (!isQuieter) tell()
  })
}
