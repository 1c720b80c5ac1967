/* What a process that was broken into would try. */
#ifndef SANDBOX_ACTS_H
#define SANDBOX_ACTS_H

/* Accepts a connection, for the acts that have to do with one. Call it outside of the sandbox. */
void gh_prepare(void);

/* Tries an act by its name. Returns 0, or the error number; -1 if there is no such act. */
int gh_try(const char *act, const char *argument);

#endif
