import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

// Modules of users, such as handlers, may lie anywhere: in a folder that compose mounts there is no `node_modules` with
// zod above them. Importing this file makes Hasty's own copies of the packages below stand in where Node finds none.
// A copy of the user's own comes first. (`registerHooks` needs Node 22.15; every service runs on Node 24.)

const OWN = /^(?:zod(?:\/|$)|hasty\/handler$)/

const ownRequire = createRequire(import.meta.url)
const ownUrl = (specifier: string): string => pathToFileURL(ownRequire.resolve(specifier)).href

/** The address of this module, for a process of its own. */
export const OWN_PACKAGES = import.meta.url

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!OWN.test(specifier)) return nextResolve(specifier, context)
    try {
      return nextResolve(specifier, context)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ERR_MODULE_NOT_FOUND') return nextResolve(specifier, { ...context, parentURL: import.meta.url })
      // A require does not look at the address of the parent.
      if (code === 'MODULE_NOT_FOUND') return { url: ownUrl(specifier), shortCircuit: true }
      throw error
    }
  },
})
