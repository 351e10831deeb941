import { registerHooks } from 'node:module'

// Modules of users, such as handlers, may lie anywhere: in a folder that compose mounts there is no `node_modules` with
// zod above them. Importing this file makes Hasty's own copies of the packages below stand in where Node finds none.
// A copy of the user's own comes first. (`registerHooks` needs Node 22.15; every service runs on Node 24.)

const OWN = /^(?:zod(?:\/|$)|hasty\/handler$)/
const NOT_FOUND = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/** The address of this module, for a process of its own. */
export const OWN_PACKAGES = import.meta.url

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!OWN.test(specifier)) return nextResolve(specifier, context)
    try {
      return nextResolve(specifier, context)
    } catch (error) {
      if (!NOT_FOUND.has(String((error as NodeJS.ErrnoException).code))) throw error
      return nextResolve(specifier, { ...context, parentURL: import.meta.url })
    }
  },
})
