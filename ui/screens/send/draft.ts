/** A job that another screen wants to be sent again. It is too large for an address, so it goes by the tab's storage. */
export interface Draft {
  object_id?: string
  type?: string
  payload?: unknown
  priority?: string
  tags?: string[]
}

const KEPT = 'hasty.send'

export const keepDraft = (draft: Draft): void => sessionStorage.setItem(KEPT, JSON.stringify(draft))

/** What was kept, once: a form that is opened later begins empty. */
export function takeDraft(): Draft {
  const kept = sessionStorage.getItem(KEPT)
  sessionStorage.removeItem(KEPT)
  return kept === null ? {} : (JSON.parse(kept) as Draft)
}
