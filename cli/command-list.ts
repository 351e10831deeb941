import type { Command } from 'commander'
import type { Run } from './command-context.ts'

/** Gives a command its arguments, options and action. */
export type Define = (command: Command, run: Run, load: Load) => void

/** Defines a command that has so far only its name and description. */
export type Load = (command: Command) => Promise<void>

export interface ListedCommand {
  name: string
  /** Other spellings. */
  aliases?: string[]
  description: string
  /** Imports the command: most runs need one of them, and all of them take most of the time. */
  find: () => Promise<Define>
}

/** All commands, in the order of the help. */
export const COMMANDS: readonly ListedCommand[] = [
  {
    name: 'add',
    description: 'add numbers; deferred if no worker finishes in time',
    find: async () => (await import('./commands/calculate.ts')).defineAdd,
  },
  {
    name: 'multiply',
    aliases: ['mul'],
    description: 'multiply numbers; deferred if no worker finishes in time',
    find: async () => (await import('./commands/calculate.ts')).defineMultiply,
  },
  {
    name: 'lookup',
    description: 'look up a deferred result',
    find: async () => (await import('./commands/lookup.ts')).defineLookup,
  },
  {
    name: 'create',
    description: 'create a job',
    find: async () => (await import('./commands/create.ts')).defineCreate,
  },
  {
    name: 'get',
    description: 'show a job and its attempts',
    find: async () => (await import('./commands/get.ts')).defineGet,
  },
  {
    name: 'why',
    description: 'explain why a job is not running or how it ended, and what to do next',
    find: async () => (await import('./commands/why.ts')).defineWhy,
  },
  {
    name: 'stats',
    description: 'count jobs by type and status',
    find: async () => (await import('./commands/stats.ts')).defineStats,
  },
  {
    name: 'top',
    description: 'show live what waits, runs, comes and goes, by type',
    find: async () => (await import('./commands/top.ts')).defineTop,
  },
  {
    name: 'errors',
    description: 'list errors by kind, with how many jobs are still failed',
    find: async () => (await import('./commands/errors.ts')).defineErrors,
  },
  {
    name: 'watch',
    description: "show a job's events as they come, until its end",
    find: async () => (await import('./commands/watch.ts')).defineWatch,
  },
  {
    name: 'cancel',
    description: 'cancel jobs, by their ids or all that match a filter',
    find: async () => (await import('./commands/change-job.ts')).defineCancel,
  },
  {
    name: 'retry',
    description: 'retry failed or cancelled jobs, by their ids',
    find: async () => (await import('./commands/change-job.ts')).defineRetry,
  },
  {
    name: 'list',
    description: 'list jobs, newest first',
    find: async () => (await import('./commands/list.ts')).defineList,
  },
  {
    name: 'redrive',
    description: 'retry all failed or cancelled jobs that match a filter',
    find: async () => (await import('./commands/redrive.ts')).defineRedrive,
  },
  {
    name: 'requests',
    aliases: ['request'],
    description: 'create and control requests, which run jobs in steps',
    find: async () => (await import('./commands/requests.ts')).defineRequests,
  },
  {
    name: 'definitions',
    aliases: ['definition'],
    description: 'manage stored definitions of requests',
    find: async () => (await import('./commands/definitions.ts')).defineDefinitions,
  },
  {
    name: 'schedules',
    aliases: ['schedule'],
    description: 'manage schedules, which create jobs again and again',
    find: async () => (await import('./commands/schedules.ts')).defineSchedules,
  },
  {
    name: 'messages',
    aliases: ['message'],
    description: 'send messages and inspect them',
    find: async () => (await import('./commands/messages.ts')).defineMessages,
  },
  {
    name: 'types',
    aliases: ['type'],
    description: 'show and control job types',
    find: async () => (await import('./commands/types.ts')).defineTypes,
  },
  {
    name: 'workers',
    aliases: ['worker'],
    description: 'list workers, or show one with its running jobs (admin)',
    find: async () => (await import('./commands/workers.ts')).defineWorkers,
  },
  {
    name: 'work',
    description: 'run a command for each job of a type',
    find: async () => (await import('./commands/work.ts')).defineWork,
  },
  {
    name: 'load',
    description: 'create jobs at a steady rate and check that every one ends',
    find: async () => (await import('./commands/load.ts')).defineLoad,
  },
  {
    name: 'ui',
    description: 'print the address of the dashboard, with a token in it where one is needed',
    find: async () => (await import('./commands/ui.ts')).defineUi,
  },
  {
    name: 'token',
    description: 'print a token, fetched with client credentials or signed locally',
    find: async () => (await import('./commands/token.ts')).defineToken,
  },
  {
    name: 'admin',
    description: 'manage the clients file, which says who may fetch tokens',
    find: async () => (await import('./commands/admin.ts')).defineAdmin,
  },
  {
    name: 'completion',
    description: 'print a completion script for a shell',
    find: async () => (await import('./commands/completion.ts')).defineCompletion,
  },
  {
    name: 'version',
    description: 'show the version',
    find: async () => (await import('./commands/version.ts')).defineVersion,
  },
  {
    name: 'help',
    description: 'show help for a command',
    find: async () => (await import('./commands/help.ts')).defineHelp,
  },
]
