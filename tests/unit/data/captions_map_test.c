/* Caption maps: every format that `troupe score` reads, and what it refuses. */
#include "common/data/captions_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, int pictures, const char *id, const char *caption) {
  CaptionMap map;
  if (captions_map_parse(&map, "f", text, strlen(text)) != OK) fail_msg("%s", status_message());
  assert_int_equal(map.list.files.count, pictures);
  int at = names_find(&map.key[0], id, strlen(id));
  assert_true(at >= 0);
  assert_string_equal(map.list.images[at].id, id);
  assert_string_equal(map.list.images[at].caption[map.list.images[at].captions - 1], caption);
  captions_map_free(&map);
  captions_map_free(&map);
}

static void formats_are_told_apart(void **state) {
  (void)state;
  expect("[{\"image_id\": 42, \"caption\": \"a dog\"}, {\"image_id\": \"x.jpg\", \"caption\": \"\"}]", 2, "42",
         "a dog");
  expect("[{\"image_id\": 7, \"caption\": \"a\"}, {\"image_id\": \"7\", \"caption\": \"b\"}]", 1, "7", "b");
  expect(
      "{\"images\": [{\"id\": 1}, {\"id\": 2}], \"annotations\": [{\"image_id\": 2, \"id\": 9, \"caption\": \"a cat\"}]}",
      2, "2", "a cat");
  expect("{\"annotations\": [{\"image_id\": 2, \"caption\": \"a cat\"}]}", 1, "2", "a cat");
  expect(
      "{\"images\": [{\"filename\": \"b.jpg\", \"filepath\": \"val2014\", \"cocoid\": 5, \"imgid\": 0, \"split\": \"test\", "
      "\"sentences\": [{\"raw\": \"one\"}, {\"raw\": \"two\"}]}]}",
      1, "5", "two");
  expect("{\"3\": [\"a\", \"b\"], \"4\": [\"c\"]}", 2, "3", "b");
  expect("\xEF\xBB\xBF {\"3\": \"a\"}", 1, "3", "a");
  expect("{\"3\": [{\"caption\": \"a\"}], \"images\": {\"caption\": \"b\"}}", 2, "images", "b");
  expect("image,caption\nx.jpg,\"A, b\"\nx.jpg,c\n", 1, "x.jpg", "c");
  expect("x.jpg#0\ta\nx.jpg#1\tb\ny.jpg#0\tc\n", 2, "x.jpg", "b");
}

static void pictures_have_other_ids(void **state) {
  (void)state;
  const char *text = "{\"images\": [{\"filename\": \"b.jpg\", \"filepath\": \"v\", \"cocoid\": 5, \"imgid\": 77, "
                     "\"split\": \"restval\", \"sentences\": []}]}";
  CaptionMap map;
  assert_int_equal(captions_map_parse(&map, "f", text, strlen(text)), OK);
  assert_int_equal(map.keys, 4);
  const char *ids[] = {"5", "b.jpg", "v/b.jpg", "77"};
  for (int k = 0; k < 4; k++) assert_string_equal(map.key[k].text[0], ids[k]);
  assert_string_equal(map.list.images[0].split, "train");
  assert_int_equal(map.list.images[0].captions, 0);
  captions_map_free(&map);
}

static void refuse(const char *text, const char *message) {
  CaptionMap map;
  assert_int_equal(captions_map_parse(&map, "f", text, strlen(text)), BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("%s; %s was expected", status_message(), message);
  captions_map_free(&map);
}

static void faults_are_named(void **state) {
  (void)state;
  refuse("[{\"image_id\": 1, \"caption\": \"a\"}, {\"image_id\": 2}]", "f: [1]: image_id and a string caption");
  refuse("[{\"image_id\": 1.5, \"caption\": \"a\"}]", "f: [0]: image_id");
  refuse("{\"a\": \"x\",\n \"a\": \"y\"}", "f:2: not JSON");
  refuse("{\"a\": [\"x\", 3]}", "f: a: a caption or a list of captions");
  refuse("{\"a\": []}", "f: a: has no captions");
  refuse("{\"images\": [{\"id\": 1}, {\"id\": \"1\"}], \"annotations\": []}", "images[1]: id 1 is there twice");
  refuse("{\"images\": [{\"id\": 1}], \"annotations\": [{\"image_id\": 2, \"caption\": \"\"}]}",
         "annotations[0]: image_id 2 is not among the images");
  refuse("{\"images\": [{\"file_name\": \"x\"}], \"annotations\": []}", "images[0]: an id");
  refuse("{}", "f: has no captions");
  refuse("[]", "f: has no captions");
  refuse("", "f: has no captions");
  refuse("{\"a\": \"\\ud800\"}", "not JSON");
  refuse("[1, 2", "f:1: not JSON");
  refuse("no caption file\n", "f:1: is no caption file");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formats_are_told_apart),
      cmocka_unit_test(pictures_have_other_ids),
      cmocka_unit_test(faults_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
