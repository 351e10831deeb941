/** How often the parent is looked at. */
const EVERY_MS = 1_000

/**
 * `npx hasty` and a script of a package.json run a command in a shell of npm's. A SIGTERM reaches npm and that shell,
 * which end and tell the command nothing: it would go on as an orphan that nobody can stop. Calls a function when that
 * shell has gone. A command that anybody else started may outlive its parent, for instance after `nohup` or `setsid`.
 */
export function onceNpmIsGone(env: Record<string, string | undefined>, onGone: () => void): void {
  // The variable comes down to children of children too, whose parent is not that shell.
  if (!/^\W*hasty\b/.test(env['npm_lifecycle_script'] ?? '')) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, EVERY_MS)
  timer.unref()
}
