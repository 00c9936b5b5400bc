/* troupe join: more actors for a run that goes on. */
#include <stdlib.h>
#include <string.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/config/command.h"
#include "common/tool/mpirun.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe join RUN [-n ACTORS]\n\n"
    "More actors for a run that goes on and was started with actors.joinable: true, under an mpirun of their own: on this\n"
    "machine, or on the nodes of the Slurm job in which this is called (default: their cores). They end with the run, and leave\n"
    "it before that at an interrupt, TERM or USR1: others get their work. The weights do not depend on any of it.\n";

/* Does the run go on, and has it a door? */
static Status joinable(const char *run) {
  json_t *status;
  char *file = path_join(run, "status.json"), *port = path_join(run, RUN_DOOR "/port");
  bool open = file_exists(port);
  free(port);
  if (!file_exists(file)) {
    free(file);
    return status_set(BAD_INPUT, "%s: holds no status.json; the folder of a run of troupe train was expected", run);
  }
  Status read = json_read(file, &status);
  free(file);
  TRY(read);
  const char *phase = json_string_value(json_object_get(status, "phase"));
  if (json_is_integer(json_object_get(status, "exit")))
    read = status_set(BAD_INPUT, "%s: the run is over (%s); one that goes on was expected", run, phase ? phase : "?");
  else if (!open)
    read = status_set(
        BAD_INPUT,
        "%s: no actor can join this run: it is only about to start, or actors.joinable is false; stop it (USR1 "
        "saves) and start it again with --set actors.joinable=true or more actors: it resumes, to the same bits",
        run);
  json_decref(status);
  return read;
}

int verb_join(int argc, char **argv) {
  int actors = -1, first;
  const Argument table[] = {{"actors", 'n', ARGUMENT_INTEGER, &actors, 1, 1000, "ACTORS", "how many"}, {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && !first) return OK;
  if (status == OK && argc - first != 1) status = status_set(BAD_INPUT, "one run folder was expected: troupe join RUN");
  if (status == OK) status = joinable(argv[first]);
  if (status == OK) return mpirun_join(argv[first], actors);
  log_error("%s", status_message());
  return status;
}
