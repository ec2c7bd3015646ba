/** @module `/credentials`: the credential pages, in matching order of their paths. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../context.ts'
import { detailPages } from './detail/route.tsx'
import { editPages } from './edit/route.tsx'
import { credentialListPage } from './list/route.tsx'
import { newPages } from './new/route.tsx'
import type { CredentialPageDeps } from './page-context.ts'
import { replacePages } from './replace/route.tsx'

export const credentialPages = (deps: CredentialPageDeps) =>
  new Hono<DashboardEnv>()
    .route('/', credentialListPage(deps))
    .route('/', newPages(deps))
    .route('/', editPages(deps))
    .route('/', replacePages(deps))
    .route('/', detailPages(deps))
