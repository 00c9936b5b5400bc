/* The verbs of `troupe`: each gets argv[0] = its name, parses its own options, prints --help, and returns the exit
 * code. */
#ifndef TROUPE_TOOL_VERBS_H
#define TROUPE_TOOL_VERBS_H

int verb_scenes(int argc, char **argv);
int verb_prepare(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_pretrain(int argc, char **argv);
int verb_train(int argc, char **argv);
int verb_join(int argc, char **argv);
int verb_submit(int argc, char **argv);
int verb_evaluate(int argc, char **argv);
int verb_caption(int argc, char **argv);
int verb_score(int argc, char **argv);
int verb_compare(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_watch(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_import(int argc, char **argv);
int verb_version(int argc, char **argv);

/* The version with what git or the tarball says, such as "0.1.0-12-gabcdef0". Borrowed. */
const char *version_text(void);

#endif
