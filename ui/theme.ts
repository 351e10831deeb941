import { effect, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEPT = 'hasty.theme'
const kept = localStorage.getItem(KEPT)

/** The colours: as the system has them, unless the reader chose. */
export const theme = signal<Theme>(THEMES.find((name) => name === kept) ?? 'system')

export const keepTheme = (): void => {
  effect(() => {
    localStorage.setItem(KEPT, theme.value)
    if (theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  })
}
