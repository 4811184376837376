/* The assignment problem: workers to tasks at the least total cost, by the Hungarian method with potentials. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

enum { SIZE = 20 };
static int cost[SIZE + 1][SIZE + 1];
static int worker_potential[SIZE + 1], task_potential[SIZE + 1], worker_of[SIZE + 1], previous[SIZE + 1];

static void assign(int worker) {
  int slack[SIZE + 1], done[SIZE + 1], task = 0;
  for (int j = 0; j <= SIZE; j++) {
    slack[j] = INT_MAX;
    done[j] = 0;
  }
  /* Task 0 stands for "none yet": the search for a free task begins there. */
  worker_of[0] = worker;
  do {
    int current = worker_of[task], least = INT_MAX, next = 0;
    done[task] = 1;
    for (int j = 1; j <= SIZE; j++) {
      if (done[j]) continue;
      int reduced = cost[current][j] - worker_potential[current] - task_potential[j];
      if (reduced < slack[j]) {
        slack[j] = reduced;
        previous[j] = task;
      }
      if (slack[j] < least) {
        least = slack[j];
        next = j;
      }
    }
    for (int j = 0; j <= SIZE; j++) {
      if (done[j]) {
        worker_potential[worker_of[j]] += least;
        task_potential[j] -= least;
      } else if (slack[j] != INT_MAX) {
        slack[j] -= least;
      }
    }
    task = next;
  } while (worker_of[task]);
  for (; task; task = previous[task]) worker_of[task] = worker_of[previous[task]];
}

int main(void) {
  uint32_t state = 2024;
  for (int i = 1; i <= SIZE; i++) {
    for (int j = 1; j <= SIZE; j++) {
      state = state * 1103515245u + 12345u;
      cost[i][j] = (int)(state >> 16) % 100;
    }
  }
  for (int worker = 1; worker <= SIZE; worker++) assign(worker);
  int total = 0;
  for (int task = 1; task <= SIZE; task++) {
    int paid = cost[worker_of[task]][task];
    printf("worker %2d: task %2d, cost %2d\n", worker_of[task], task, paid);
    total += paid;
  }
  printf("total cost %d\n", total);
  return 0;
}
