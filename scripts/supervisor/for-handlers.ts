/** Secrets that sign tokens. A handler is foreign code, and runs in the processes that load it. */
const SECRETS = ['JWT_SECRET', 'JWT_SECRET_PREVIOUS']

/** The environment of a process that loads handlers: without the secrets that sign tokens. */
export const forHandlers = (env: Record<string, string | undefined>): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(([name]) => !SECRETS.some((secret) => name === secret || name === `${secret}_FILE`)),
  )
