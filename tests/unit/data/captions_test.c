/* Readers of caption files: what each format gives, and what each fault is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/captions.h"

static Status parse(CaptionList *list, const char *text) { return captions_parse(list, "in", text, strlen(text)); }

static void expect(const char *text, const char *message) {
  CaptionList list;
  assert_int_equal(parse(&list, text), BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("'%s' does not hold '%s'", status_message(), message);
  assert_int_equal(list.files.count, 0);
}

static void csv_gives_pictures(void **state) {
  (void)state;
  CaptionList list;
  assert_int_equal(parse(&list, "\xEF\xBB\xBFimage,caption\r\na.jpg,One dog .\r\nb.jpg,\"Two, \"\"big\"\"\ndogs\"\n\n"
                                "a.jpg, Another \n"),
                   OK);
  assert_int_equal(list.files.count, 2);
  assert_string_equal(list.files.text[0], "a.jpg");
  assert_string_equal(list.images[1].id, "b.jpg");
  assert_string_equal(list.images[0].split, "");
  assert_int_equal(list.images[0].captions, 2);
  assert_string_equal(list.images[0].caption[0], "One dog .");
  assert_string_equal(list.images[0].caption[1], "Another");
  assert_string_equal(list.images[1].caption[0], "Two, \"big\"\ndogs");
  caption_list_free(&list);
  caption_list_free(&list);
  assert_int_equal(parse(&list, "image_name| comment_number| comment\n1.jpg| 0| A man , \"here\" .\n"), OK);
  assert_string_equal(list.images[0].caption[0], "A man , \"here\" .");
  caption_list_free(&list);
}

static void csv_faults_have_lines(void **state) {
  (void)state;
  expect("image,caption\na.jpg,one\na.jpg,two, three\n", "in:3: 3 fields; 2 were expected");
  expect("image,caption\na.jpg\n", "in:2: 1 field; 2 were expected");
  expect("image,caption\na.jpg,\"x\ny\"\nb.jpg,\"open\n", "in:4: a quoted field has no closing quote");
  expect("image,caption\na.jpg,\"x\"y\n", "in:2: text behind a closing quote");
  expect("image,caption\n../a.jpg,x\n", "in:2: the picture's name has '..'");
  expect("image,caption\nb/../../a.jpg,x\n", "in:2: the picture's name has '..'");
  expect("image,caption\n/etc/a.jpg,x\n", "in:2: the picture's name is an absolute path");
  expect("image,caption\n,x\n", "in:2: the picture's name is empty");
  expect("image,caption\n", "has no captions");
  expect("", "has no captions");
  expect("hello\n", "in:1: is no caption file that is known");
  CaptionList list;
  static const char nul[] = "image,caption\na.jpg,a\0b\n";
  assert_int_equal(captions_parse(&list, "in", nul, sizeof nul - 1), BAD_INPUT);
  assert_non_null(strstr(status_message(), "in:2: the caption holds a NUL byte"));
  assert_int_equal(parse(&list, "image,caption\n..a/b..jpg,dots are fine\n"), OK);
  caption_list_free(&list);
}

static void token_lines(void **state) {
  (void)state;
  CaptionList list;
  assert_int_equal(parse(&list, "a.jpg#0\tA dog , running .\r\na.jpg#1\tTwo #s\n\nb#b.jpg#0\tx\n"), OK);
  assert_int_equal(list.files.count, 2);
  assert_string_equal(list.images[0].caption[1], "Two #s");
  assert_string_equal(list.files.text[1], "b#b.jpg");
  caption_list_free(&list);
  expect("a.jpg#0\tA dog\nb.jpg A cat\n", "in:2: a line IMAGE#N<TAB>CAPTION was expected");
  expect("#0\tA dog\n", "in:1: the picture's name is empty");
}

static void karpathy(void **state) {
  (void)state;
  CaptionList list;
  assert_int_equal(
      parse(&list, " {\"dataset\":\"coco\",\"images\":[{\"filename\":\"a.jpg\",\"filepath\":\"val2014\",\"split\":"
                   "\"restval\",\"cocoid\":42,\"sentences\":[{\"raw\":\"A dog.\\n\"},{\"raw\":\"Dogs\"}]}]}"),
      OK);
  assert_string_equal(list.files.text[0], "val2014/a.jpg");
  assert_string_equal(list.images[0].id, "42");
  assert_string_equal(list.images[0].split, "train");
  assert_int_equal(list.images[0].captions, 2);
  assert_string_equal(list.images[0].caption[0], "A dog.");
  caption_list_free(&list);
  expect("{\"images\":[{\"filename\":\"a.jpg\"}]}", "in: images[0]: filename, split and sentences were expected");
  expect("{\"images\":[{\"filename\":\"../a\",\"split\":\"train\",\"sentences\":[]}]}",
         "in: images[0]: the picture's name");
  expect("{\"images\":[{\"filename\":\"a\",\"split\":\"train\",\"sentences\":[{\"raw\":3}]}]}",
         "images[0].sentences[0]");
  expect("{\"images\":[7]}", "images[0]");
  expect("{\"images\":", "in:1: not JSON");
  expect("[1]", "has no list images");
}

static void coco(void **state) {
  (void)state;
  CaptionList list;
  assert_int_equal(
      parse(&list, "{\"images\":[{\"id\":9,\"file_name\":\"x.jpg\"},{\"id\":7,\"file_name\":\"y.jpg\"}],"
                   "\"annotations\":[{\"image_id\":7,\"caption\":\"seven\"},{\"image_id\":9,\"caption\":\"nine\"}]}"),
      OK);
  assert_string_equal(list.images[0].id, "9");
  assert_string_equal(list.images[1].caption[0], "seven");
  caption_list_free(&list);
  expect("{\"images\":[],\"annotations\":[{\"image_id\":7,\"caption\":\"x\"}]}",
         "annotations[0]: image_id 7 is not among");
  expect("{\"images\":[{\"id\":1,\"file_name\":\"a\"},{\"id\":1,\"file_name\":\"b\"}],\"annotations\":[]}",
         "images[1]: id 1");
  expect("{\"images\":[{\"id\":1,\"file_name\":\"a\"},{\"id\":2,\"file_name\":\"a\"}],\"annotations\":[]}",
         "images[1]: a is");
}

static void list_files(void **state) {
  (void)state;
  char path[] = "/tmp/troupe-list-XXXXXX";
  close(mkstemp(path));
  Names names;
  static const char text[] = "b.jpg\r\n\n  a.jpg \nb.jpg\nc.jpg";
  assert_int_equal(file_write_atomic(path, text, strlen(text)), OK);
  assert_int_equal(name_list_read(&names, path), OK);
  assert_int_equal(names.count, 3);
  assert_string_equal(names.text[1], "a.jpg");
  names_free(&names);
  assert_int_equal(file_write_atomic(path, "a\n../b\n", 7), OK);
  assert_int_equal(name_list_read(&names, path), BAD_INPUT);
  assert_non_null(strstr(status_message(), ":2: the picture's name has '..'"));
  assert_int_equal(file_write_atomic(path, "\n", 1), OK);
  assert_int_equal(name_list_read(&names, path), BAD_INPUT);
  unlink(path);
  assert_int_equal(name_list_read(&names, path), BAD_INPUT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(csv_gives_pictures),
      cmocka_unit_test(csv_faults_have_lines),
      cmocka_unit_test(token_lines),
      cmocka_unit_test(karpathy),
      cmocka_unit_test(coco),
      cmocka_unit_test(list_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
